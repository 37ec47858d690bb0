"""The whole story by boto3, unmodified."""

import json
import os
import sys
import time

import boto3
import botocore
import botocore.exceptions

endpoint = os.environ["ENDPOINT"]
images = os.environ["IMAGES"]
manifests = os.environ["MANIFESTS"]
name = os.environ["STRANGER"]


class Account:
    def __init__(self, account, profile):
        session = boto3.Session(profile_name=profile, region_name="us-east-1")
        clients = {s: session.client(s, endpoint_url=endpoint) for s in ("rekognition", "s3", "kms", "sts")}
        self.rekognition, self.s3, self.kms = clients["rekognition"], clients["s3"], clients["kms"]
        self.id = account
        self.bucket = f"custom-labels-{name}-{account}"
        identity = clients["sts"].get_caller_identity()
        expect(identity["Account"], account, "the caller's account")

    def version(self, project, version):
        found = self.rekognition.describe_project_versions(ProjectArn=project, VersionNames=[version])
        (description,) = found["ProjectVersionDescriptions"]
        return description

    def poll(self, project, version, want, fail):
        for _ in range(600):
            description = self.version(project, version)
            if description["Status"] == want:
                return description
            if description["Status"] == fail:
                sys.exit(f"{version} is {fail}: {description.get('StatusMessage')}")
            time.sleep(0.1)
        sys.exit(f"{version} did not become {want}: {description}")


def expect(got, want, what):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def lines(which, bucket):
    with open(os.path.join(manifests, which + ".manifest")) as f:
        return [line.replace("s3://mimeo-data/dev/digits10/", f"s3://{bucket}/") for line in f]


def dataset(account, project, which):
    body = "".join(lines(which, account.bucket)).encode()
    account.s3.put_object(Bucket=account.bucket, Key=which + ".manifest", Body=body)
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": account.bucket, "Name": which + ".manifest"}}}
    arn = account.rekognition.create_dataset(ProjectArn=project, DatasetType=which.upper(), DatasetSource=source)["DatasetArn"]
    for _ in range(600):
        description = account.rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]
        if description["Status"] == "CREATE_COMPLETE":
            expect(description["DatasetStats"]["LabeledEntries"], len(body.splitlines()), which + " entries")
            return
        if description["Status"] == "CREATE_FAILED":
            sys.exit(f"{arn}: {description['StatusMessage']}")
        time.sleep(0.1)
    sys.exit(f"{arn} was not created: {description}")


def train(account):
    project = account.rekognition.create_project(ProjectName=name)["ProjectArn"]
    for which in ("train", "test"):
        dataset(account, project, which)
    arn = account.rekognition.create_project_version(
        ProjectArn=project, VersionName="v1",
        OutputConfig={"S3Bucket": account.bucket, "S3KeyPrefix": "results"})["ProjectVersionArn"]
    account.rekognition.get_waiter("project_version_training_completed").wait(
        ProjectArn=project, VersionNames=["v1"], WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    score = account.version(project, "v1")["EvaluationResult"]["F1Score"]
    if not 0.5 < score <= 1:
        sys.exit(f"the F1 of a model of three digits is {score}")
    return project, arn


def start(account, project, version, arn):
    account.rekognition.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    account.rekognition.get_waiter("project_version_running").wait(
        ProjectArn=project, VersionNames=[version], WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def stop_and_delete(account, project, version, arn):
    account.rekognition.stop_project_version(ProjectVersionArn=arn)
    account.poll(project, version, "STOPPED", "FAILED")
    account.rekognition.delete_project_version(ProjectVersionArn=arn)
    for _ in range(600):
        if not account.rekognition.describe_project_versions(ProjectArn=project, VersionNames=[version])["ProjectVersionDescriptions"]:
            return
        time.sleep(0.1)
    sys.exit(f"{arn} was not deleted")


def detect(account, arn, image):
    answer = account.rekognition.detect_custom_labels(ProjectVersionArn=arn, Image=image, MinConfidence=0)
    if not answer["CustomLabels"]:
        sys.exit(f"{arn} sees nothing in an image")
    return answer["CustomLabels"]


def upload(account):
    account.s3.create_bucket(Bucket=account.bucket)
    keys = [os.path.relpath(os.path.join(d, f), images) for d, _, files in os.walk(images) for f in files]
    for key in keys:
        account.s3.upload_file(os.path.join(images, key), account.bucket, key)
    return keys


def overwritten(account, source, tested, answers):
    """Writes another image over one that a version still holds."""
    account.s3.put_bucket_versioning(Bucket=account.bucket, VersioningConfiguration={"Status": "Enabled"})
    with open(os.path.join(images, tested[-1]), "rb") as f:
        written = account.s3.put_object(Bucket=account.bucket, Key=tested[0], Body=f.read())["VersionId"]
    place = {"Bucket": account.bucket, "Name": tested[0]}
    for version, image in {"null": tested[0], written: tested[-1]}.items():
        expect(detect(account, source, {"S3Object": place | {"Version": version}}), answers[image], "the answer about version " + version)
    expect(detect(account, source, {"S3Object": place}), answers[tested[-1]], "the answer about the newest version")


def remove_bucket(account):
    """Deletes a bucket with all versions of its objects."""
    for page in account.s3.get_paginator("list_object_versions").paginate(Bucket=account.bucket):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        account.s3.delete_objects(Bucket=account.bucket, Delete={
            "Objects": [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions]})
    account.s3.delete_bucket(Bucket=account.bucket)


def main():
    trusting, trusted = Account("111122223333", "trusting"), Account("555555555555", "trusted")
    trusted.s3.create_bucket(Bucket=trusted.bucket)
    keys = upload(trusting)
    source_project, source = train(trusting)

    project = trusted.rekognition.create_project(ProjectName=name)["ProjectArn"]
    key = trusted.kms.create_key()["KeyMetadata"]["Arn"]
    copy = dict(SourceProjectArn=source_project, SourceProjectVersionArn=source, DestinationProjectArn=project,
                VersionName="copy", OutputConfig={"S3Bucket": trusted.bucket, "S3KeyPrefix": "results"},
                Tags={"stage": "production"}, KmsKeyId=key)
    try:
        trusted.rekognition.copy_project_version(**copy)
        sys.exit("a copy without a project policy was not refused")
    except trusted.rekognition.exceptions.AccessDeniedException:
        pass
    trusting.rekognition.put_project_policy(ProjectArn=source_project, PolicyName="trust", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::555555555555:root"},
            "Action": "rekognition:CopyProjectVersion", "Resource": source}]}))
    arn = trusted.rekognition.copy_project_version(**copy)["ProjectVersionArn"]
    description = trusted.poll(project, "copy", "COPYING_COMPLETED", "COPYING_FAILED")
    expect(description["SourceProjectVersionArn"], source, "the source of the copy")
    expect(description["KmsKeyId"], key, "the key of the copy")
    expect(trusted.rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"], {"stage": "production"}, "the tags of the copy")
    summary = description["EvaluationResult"]["Summary"]["S3Object"]
    results = trusted.s3.get_object(Bucket=summary["Bucket"], Key=summary["Name"])
    expect(results["SSEKMSKeyId"], key, "the key of the evaluation results")
    json.load(results["Body"])

    start(trusting, source_project, "v1", source)
    start(trusted, project, "copy", arn)
    tested, answers = sorted(k for k in keys if k.startswith("test/")), {}
    for test in tested:
        with open(os.path.join(images, test), "rb") as f:
            data = f.read()
        answers[test] = detect(trusting, source, {"Bytes": data})
        expect(detect(trusted, arn, {"Bytes": data}), answers[test], "the copy's answer about " + test)
    by_place = {"S3Object": {"Bucket": trusting.bucket, "Name": tested[0]}}
    expect(detect(trusting, source, by_place), answers[tested[0]], "the answer about an object")
    overwritten(trusting, source, tested, answers)

    # The source goes away; the copy stays.
    stop_and_delete(trusting, source_project, "v1", source)
    trusting.rekognition.delete_project(ProjectArn=source_project)
    for page in trusting.s3.get_paginator("list_objects_v2").paginate(Bucket=trusting.bucket):
        trusting.s3.delete_objects(Bucket=trusting.bucket, Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]]})
    remove_bucket(trusting)
    with open(os.path.join(images, tested[0]), "rb") as f:
        expect(detect(trusted, arn, {"Bytes": f.read()}), answers[tested[0]], "the answer without the source")
    stop_and_delete(trusted, project, "copy", arn)
    print(f"boto3 {boto3.__version__}: {len(tested)} of {len(tested)} answers of the copy are the source's")


if __name__ == "__main__":
    main()
