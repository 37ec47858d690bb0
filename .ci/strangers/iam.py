"""A user, a role and what bounds them, by boto3, unmodified."""

import json
import os

import boto3
import botocore.exceptions

from story import endpoint, expect, name

owner = "111122223333"
full = "arn:aws:iam::aws:policy/AmazonRekognitionFullAccess"


def clients(**credentials):
    session = boto3.Session(region_name="us-east-1", **credentials)
    return tuple(session.client(s, endpoint_url=endpoint) for s in ("iam", "sts", "rekognition"))


def allow(action, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, **more}})


def refused(code, call, **request):
    try:
        answer = call(**request)
    except botocore.exceptions.ClientError as error:
        expect(error.response["Error"]["Code"], code, f"the refusal of {request}")
    else:
        raise SystemExit(f"not refused: {request} got {answer}")


def create_user(iam):
    """A user with a key and an inline policy: its ARN, and the key."""
    arn = iam.create_user(UserName=name, Path="/team/", Tags=[{"Key": "team", "Value": "vision"}])["User"]["Arn"]
    expect(arn, f"arn:aws:iam::{owner}:user/team/{name}", "the user")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    _, sts, rekognition = clients(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    expect(sts.get_caller_identity()["Arn"], arn, "the caller with the key")
    refused("AccessDeniedException", rekognition.describe_projects)
    iam.put_user_policy(UserName=name, PolicyName="look", PolicyDocument=allow("rekognition:DescribeProjects", Resource="*"))
    rekognition.describe_projects()
    found = iam.get_user_policy(UserName=name, PolicyName="look")["PolicyDocument"]
    expect(found["Statement"]["Action"], "rekognition:DescribeProjects", "the inline policy")
    iam.tag_user(UserName=name, Tags=[{"Key": "stage", "Value": "test"}])
    tags = iam.list_user_tags(UserName=name)["Tags"]
    expect(sorted((t["Key"], t["Value"]) for t in tags), [("stage", "test"), ("team", "vision")], "the tags")
    users = [u["Arn"] for page in iam.get_paginator("list_users").paginate(PathPrefix="/team/") for u in page["Users"]]
    expect(users.count(arn), 1, "how often the user is listed")
    return arn, key["AccessKeyId"], sts


def create_role(iam, user):
    """A role that the user assumes, with a policy of AWS: its ARN."""
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=allow(
        "sts:AssumeRole", Principal={"AWS": user}, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))["Role"]["Arn"]
    iam.get_waiter("role_exists").wait(RoleName=name)
    iam.attach_role_policy(RoleName=name, PolicyArn=full)
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    expect([p["PolicyArn"] for p in attached], [full], "the policy of the role")
    return role


def main():
    iam, _, rekognition = clients(profile_name="trusting")
    user, key, sts = create_user(iam)
    role = create_role(iam, user)
    assumed = dict(RoleArn=role, RoleSessionName="story")
    refused("AccessDenied", sts.assume_role, **assumed)
    session = sts.assume_role(ExternalId="secret", **assumed)["Credentials"]
    _, session_sts, session_rekognition = clients(
        aws_access_key_id=session["AccessKeyId"], aws_secret_access_key=session["SecretAccessKey"], aws_session_token=session["SessionToken"])
    expect(session_sts.get_caller_identity()["Arn"], f"arn:aws:sts::{owner}:assumed-role/{name}/story", "the caller with the session")

    # A boundary takes away what the policy of AWS gives.
    project = session_rekognition.create_project(ProjectName=name)["ProjectArn"]
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=allow("rekognition:Describe*", Resource="*"))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    found = session_rekognition.describe_projects(ProjectNames=[name])["ProjectDescriptions"]
    expect([p["ProjectArn"] for p in found], [project], "the projects within the boundary")
    refused("AccessDeniedException", session_rekognition.delete_project, ProjectArn=project)

    # A session outlives the key that began it.
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    refused("InvalidClientTokenId", sts.get_caller_identity)
    session_rekognition.describe_projects()

    # All of it goes away.
    refused("DeleteConflict", iam.delete_user, UserName=name)
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    iam.delete_user_policy(UserName=name, PolicyName="look")
    iam.delete_user(UserName=name)
    refused("DeleteConflict", iam.delete_policy, PolicyArn=boundary)
    iam.delete_role_permissions_boundary(RoleName=name)
    iam.delete_policy(PolicyArn=boundary)
    iam.detach_role_policy(RoleName=name, PolicyArn=full)
    iam.delete_role(RoleName=name)
    refused("NoSuchEntity", iam.get_role, RoleName=name)
    refused("UnrecognizedClientException", session_rekognition.describe_projects)
    rekognition.delete_project(ProjectArn=project)
    print(f"boto3 {boto3.__version__}: a user, a role and a session came, were bounded and went")


if __name__ == "__main__":
    main()
