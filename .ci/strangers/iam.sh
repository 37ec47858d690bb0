#!/usr/bin/env bash
# A user, a role and what bounds them, by the AWS CLI, unmodified.
set -euo pipefail

root() { "$AWS" --endpoint-url "$ENDPOINT" --profile trusting --output text "$@"; }
# as ID SECRET TOKEN COMMAND…: with a key of no profile.
as() { AWS_ACCESS_KEY_ID=$1 AWS_SECRET_ACCESS_KEY=$2 AWS_SESSION_TOKEN=$3 "$AWS" --endpoint-url "$ENDPOINT" --output text "${@:4}"; }
user() { as "$user_id" "$user_secret" '' "$@"; }
session() { as "$session_id" "$session_secret" "$session_token" "$@"; }
fail() {
	echo "$*"
	exit 1
}
expect() { [ "$1" = "$2" ] || fail "$3: got '$1', want '$2'"; }
# refused CODE COMMAND…: the command must fail with the code.
refused() {
	local code=$1
	shift
	if "$@" > refusal 2>&1; then fail "not refused: $*"; fi
	grep -q "($code)" refusal || fail "$* is not refused with $code: $(cat refusal)"
}

echo "a user with a key and an inline policy"
arn=$(root iam create-user --user-name "$STRANGER" --path /team/ --tags Key=team,Value=vision --query User.Arn)
expect "$arn" "arn:aws:iam::111122223333:user/team/$STRANGER" 'the user'
read -r user_id user_secret < <(root iam create-access-key --user-name "$STRANGER" --query 'AccessKey.[AccessKeyId,SecretAccessKey]')
expect "$(user sts get-caller-identity --query Arn)" "$arn" 'the caller with the key'
refused AccessDeniedException user rekognition describe-projects
root iam put-user-policy --user-name "$STRANGER" --policy-name look --policy-document \
	'{"Version":"2012-10-17","Statement":{"Sid":"Look","Effect":"Allow","Action":"rekognition:DescribeProjects","Resource":"*"}}'
user rekognition describe-projects > projects
expect "$(root iam get-user-policy --user-name "$STRANGER" --policy-name look --query PolicyDocument.Statement.Sid)" Look 'the inline policy'
root iam tag-user --user-name "$STRANGER" --tags Key=stage,Value=test
expect "$(root iam list-user-tags --user-name "$STRANGER" --query 'sort(Tags[].Key)')" $'stage\tteam' 'the tags'
expect "$(root iam list-users --path-prefix /team/ --query "Users[?UserName=='$STRANGER'].Arn")" "$arn" 'the list of users'

echo "a role that the user assumes, with a policy of AWS and a boundary"
role=$(root iam create-role --role-name "$STRANGER" --query Role.Arn --assume-role-policy-document \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"$arn\"},\"Action\":\"sts:AssumeRole\",\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"secret\"}}}}")
full=arn:aws:iam::aws:policy/AmazonRekognitionFullAccess
root iam attach-role-policy --role-name "$STRANGER" --policy-arn "$full"
expect "$(root iam list-attached-role-policies --role-name "$STRANGER" --query 'AttachedPolicies[].PolicyArn')" "$full" 'the policy of the role'
boundary=$(root iam create-policy --policy-name "$STRANGER" --query Policy.Arn --policy-document \
	'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rekognition:Describe*","Resource":"*"}}')
assume() { user sts assume-role --role-arn "$role" --role-session-name story --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' "$@"; }
refused AccessDenied assume
read -r session_id session_secret session_token < <(assume --external-id secret)
expect "$(session sts get-caller-identity --query Arn)" "arn:aws:sts::111122223333:assumed-role/$STRANGER/story" 'the caller with the session'
project=$(session rekognition create-project --project-name "$STRANGER" --query ProjectArn)
root iam put-role-permissions-boundary --role-name "$STRANGER" --permissions-boundary "$boundary"
expect "$(session rekognition describe-projects --project-names "$STRANGER" --query 'ProjectDescriptions[].ProjectArn')" "$project" 'the projects within the boundary'
refused AccessDeniedException session rekognition delete-project --project-arn "$project"

echo "the key is deactivated"
root iam update-access-key --user-name "$STRANGER" --access-key-id "$user_id" --status Inactive
refused InvalidClientTokenId user sts get-caller-identity
session rekognition describe-projects > projects # a session outlives the key that began it

echo "all of it goes away"
refused DeleteConflict root iam delete-user --user-name "$STRANGER"
root iam delete-access-key --user-name "$STRANGER" --access-key-id "$user_id"
root iam delete-user-policy --user-name "$STRANGER" --policy-name look
root iam delete-user --user-name "$STRANGER"
refused DeleteConflict root iam delete-policy --policy-arn "$boundary"
root iam delete-role-permissions-boundary --role-name "$STRANGER"
root iam delete-policy --policy-arn "$boundary"
root iam detach-role-policy --role-name "$STRANGER" --policy-arn "$full"
root iam delete-role --role-name "$STRANGER"
refused NoSuchEntity root iam get-role --role-name "$STRANGER"
refused UnrecognizedClientException session rekognition describe-projects
root rekognition delete-project --project-arn "$project" > projects
echo "$("$AWS" --version | cut -d' ' -f1): a user, a role and a session came, were bounded and went"
