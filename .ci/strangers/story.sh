#!/usr/bin/env bash
# The whole story by the AWS CLI, unmodified.
set -euo pipefail

trusting() { "$AWS" --endpoint-url "$ENDPOINT" --profile trusting --output text "$@"; }
trusted() { "$AWS" --endpoint-url "$ENDPOINT" --profile trusted --output text "$@"; }
fail() {
	echo "$*"
	exit 1
}
expect() { [ "$1" = "$2" ] || fail "$3: got '$1', want '$2'"; }

# poll WANT COMMAND…: until the command prints WANT.
poll() {
	local want=$1 got
	shift
	for _ in $(seq 120); do
		got=$("$@")
		[ "$got" = "$want" ] && return
		case $got in *FAILED*) break ;; esac
		sleep 0.2
	done
	fail "got '$got', want '$want' from: $*"
}

expect "$(trusting sts get-caller-identity --query Account)" 111122223333 'the trusting account'
expect "$(trusted sts get-caller-identity --query Account)" 555555555555 'the trusted account'

echo "bucket, images, manifests"
from=custom-labels-$STRANGER-111122223333
to=custom-labels-$STRANGER-555555555555
trusting s3 mb "s3://$from"
trusted s3 mb "s3://$to"
trusting s3 cp --recursive --only-show-errors "$IMAGES" "s3://$from"
for set in train test; do
	sed "s|s3://mimeo-data/dev/digits10/|s3://$from/|" "$MANIFESTS/$set.manifest" > "$set.manifest"
	trusting s3 cp --only-show-errors "$set.manifest" "s3://$from/$set.manifest"
done

echo "project, datasets"
source_project=$(trusting rekognition create-project --project-name "$STRANGER" --query ProjectArn)
for set in train test; do
	dataset=$(trusting rekognition create-dataset --project-arn "$source_project" --dataset-type "${set^^}" --query DatasetArn \
		--dataset-source "{\"GroundTruthManifest\":{\"S3Object\":{\"Bucket\":\"$from\",\"Name\":\"$set.manifest\"}}}")
	poll CREATE_COMPLETE trusting rekognition describe-dataset --dataset-arn "$dataset" --query DatasetDescription.Status
	expect "$(trusting rekognition describe-dataset --dataset-arn "$dataset" --query DatasetDescription.DatasetStats.LabeledEntries)" \
		"$(wc -l < "$set.manifest")" "$set entries"
done

echo "training"
source=$(trusting rekognition create-project-version --project-arn "$source_project" --version-name v1 \
	--output-config "S3Bucket=$from,S3KeyPrefix=results" --query ProjectVersionArn)
trusting rekognition wait project-version-training-completed --project-arn "$source_project" --version-names v1

echo "copy"
project=$(trusted rekognition create-project --project-name "$STRANGER" --query ProjectArn)
key=$(trusted kms create-key --query KeyMetadata.Arn)
copy() {
	trusted rekognition copy-project-version --source-project-arn "$source_project" --source-project-version-arn "$source" \
		--destination-project-arn "$project" --version-name copy --output-config "S3Bucket=$to,S3KeyPrefix=results" \
		--tags stage=production --kms-key-id "$key" --query ProjectVersionArn
}
if copy > refusal 2>&1; then fail "a copy without a project policy was not refused"; fi
grep -q AccessDeniedException refusal || fail "$(cat refusal)"
trusting rekognition put-project-policy --project-arn "$source_project" --policy-name trust --policy-document \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::555555555555:root\"},\"Action\":\"rekognition:CopyProjectVersion\",\"Resource\":\"$source\"}]}"
arn=$(copy)
describe_copy() {
	trusted rekognition describe-project-versions --project-arn "$project" --version-names copy --query "ProjectVersionDescriptions[0].$1"
}
poll COPYING_COMPLETED describe_copy Status
expect "$(describe_copy SourceProjectVersionArn)" "$source" 'the source of the copy'
expect "$(describe_copy KmsKeyId)" "$key" 'the key of the copy'
expect "$(trusted rekognition list-tags-for-resource --resource-arn "$arn" --query Tags.stage)" production 'the tag of the copy'
summary=$(describe_copy EvaluationResult.Summary.S3Object.Name)
trusted s3 cp --only-show-errors "s3://$to/$summary" summary.json
"${PYTHON:-/usr/bin/python3}" -m json.tool summary.json > pretty.json
expect "$(trusted s3api head-object --bucket "$to" --key "$summary" --query SSEKMSKeyId)" "$key" 'the key of the evaluation results'

echo "detection"
trusting rekognition start-project-version --project-version-arn "$source" --min-inference-units 1
trusted rekognition start-project-version --project-version-arn "$arn" --min-inference-units 1
trusting rekognition wait project-version-running --project-arn "$source_project" --version-names v1
trusted rekognition wait project-version-running --project-arn "$project" --version-names copy
# detect WHO VERSION FILE: every label with its confidence.
detect() {
	"$1" rekognition detect-custom-labels --project-version-arn "$2" --min-confidence 0 --image-bytes "fileb://$3" --output json
}
count=0
for image in "$IMAGES"/test/*/*; do
	[ $((count % 5)) -eq 0 ] && images+=("$image")
	count=$((count + 1))
done
for image in "${images[@]}"; do
	detect trusting "$source" "$image" > source.json
	grep -q Confidence source.json || fail "the source sees nothing in $image"
	detect trusted "$arn" "$image" > copy.json
	cmp source.json copy.json || fail "source and copy differ about $image: $(cat source.json copy.json)"
done
first=${images[0]}
detect trusting "$source" "$first" > bytes.json
trusting rekognition detect-custom-labels --project-version-arn "$source" --min-confidence 0 --output json \
	--image "S3Object={Bucket=$from,Name=${first#"$IMAGES"/}}" > object.json
cmp bytes.json object.json || fail "bytes and object differ: $(cat bytes.json object.json)"

echo "the source goes away; the copy stays"
# remove WHO PROJECT VERSION ARN: stops and deletes.
remove() {
	"$1" rekognition stop-project-version --project-version-arn "$4"
	poll STOPPED "$1" rekognition describe-project-versions --project-arn "$2" --version-names "$3" --query 'ProjectVersionDescriptions[0].Status'
	"$1" rekognition delete-project-version --project-version-arn "$4"
	poll 0 "$1" rekognition describe-project-versions --project-arn "$2" --version-names "$3" --query 'length(ProjectVersionDescriptions)'
}
remove trusting "$source_project" v1 "$source"
trusting rekognition delete-project --project-arn "$source_project"
trusting s3 rb --force "s3://$from"
detect trusted "$arn" "$first" > alone.json
cmp bytes.json alone.json || fail "without its source the copy answers differently: $(cat bytes.json alone.json)"
remove trusted "$project" copy "$arn"
echo "$("$AWS" --version | cut -d' ' -f1): ${#images[@]} of ${#images[@]} answers of the copy are the source's"
