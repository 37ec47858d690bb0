"""Every exception of CopyProjectVersion, as strangers meet it.

refusals.json says how each is provoked: what is changed in a request that is
otherwise right, and what the server goes through meanwhile. boto3 and the SDK
for JavaScript must raise the class of that exception, and the AWS CLI must
print its sentence.
"""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading

import botocore.config
import boto3

from story import Account, endpoint, expect, train, upload

here = os.path.dirname(os.path.abspath(__file__))
owner = "111122223333"


def once():
    """A client that tries only once: the SDKs try again after some of these."""
    config = botocore.config.Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
    return boto3.Session(profile_name="trusting", region_name="us-east-1").client("rekognition", endpoint_url=endpoint, config=config)


def by_boto3(request):
    client = once()
    try:
        return client.copy_project_version(**request)
    except client.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"], "class": type(error).__name__,
                "status": error.response["ResponseMetadata"]["HTTPStatusCode"], "message": error.response["Error"]["Message"]}


def by_javascript(request):
    with open("request.json", "w") as f:
        json.dump(request, f)
    return json.loads(subprocess.run(["node", os.path.join(here, "refuse.mjs"), "request.json"], check=True, capture_output=True, text=True).stdout)


def by_cli(request):
    command = [os.environ["AWS"], "--endpoint-url", endpoint, "--profile", "trusting", "rekognition", "copy-project-version", "--cli-input-json"]
    done = subprocess.run(command + [json.dumps(request)], env={**os.environ, "AWS_MAX_ATTEMPTS": "1"}, capture_output=True, text=True)
    return {"sentence": done.stderr.strip(), "exit": done.returncode}


@contextlib.contextmanager
def quota(setting):
    """While a quota of the account is another."""
    name, value = setting.split("=")

    def put(value):
        subprocess.run([os.environ["MIMEO"], "quota", "set", "--data-dir", os.environ["DATA"], owner, name, value], check=True, stdout=subprocess.DEVNULL)
    put(value)
    yield
    put("default")


@contextlib.contextmanager
def damage(table):
    """While the server does not find one of its tables."""
    def rename(old, new):
        with contextlib.closing(sqlite3.connect(os.path.join(os.environ["DATA"], "mimeo.db"), timeout=30)) as database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")
    rename(table, "lost")
    yield
    rename("lost", table)


@contextlib.contextmanager
def flood(project):
    """While others keep the server busy, which works on one request at a time."""
    client, over = once(), threading.Event()

    def hurry():
        while not over.is_set():
            with contextlib.suppress(client.exceptions.ThrottlingException):
                client.tag_resource(ResourceArn=project, Tags={"busy": "yes"})
    threads = [threading.Thread(target=hurry) for _ in range(16)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def check(case, request):
    """Asks all strangers; while the server is flooded, until each was refused."""
    attempts = 50 if "flood" in case.get("during", {}) else 1
    unmodelled = {"boto3": "ClientError", "javascript": "RekognitionServiceException"}
    for name, ask in {"boto3": by_boto3, "javascript": by_javascript}.items():
        for _ in range(attempts):
            refusal = ask(request)
            if refusal.get("code") == case["code"]:
                break
        want = {"code": case["code"], "class": unmodelled[name] if case.get("unmodelled") else case["code"], "status": case["status"]}
        expect({k: refusal.get(k) for k in want}, want, f"{case['code']} by {name}, {refusal}")
        expect(case["message"] in refusal["message"], True, f"{case['code']} by {name} says {refusal['message']!r}")
    sentence = re.compile(rf"An error occurred \({case['code']}\) when calling the CopyProjectVersion operation( \(reached max retries: 0\))?: .*"
                          + re.escape(case["message"]), re.DOTALL)
    for _ in range(attempts):
        refusal = by_cli(request)
        if sentence.match(refusal["sentence"]):
            break
    else:
        sys.exit(f"{case['code']}: the AWS CLI prints {refusal}")
    expect(refusal["exit"], 254, f"the CLI's exit at {case['code']}")


def main():
    account = Account(owner, "trusting")
    upload(account)
    project, source = train(account)
    right = {"SourceProjectArn": project, "SourceProjectVersionArn": source, "DestinationProjectArn": project,
             "VersionName": "refused", "OutputConfig": {"S3Bucket": account.bucket}}
    placeholders = {"FOREIGN_PROJECT": project.replace(owner, "999999999999"), "FOREIGN_VERSION": source.replace(owner, "999999999999"),
                    "NO_PROJECT": project + "1"}
    with open(os.path.join(here, "refusals.json")) as f:
        cases = json.load(f)
    for case in cases:
        change = {k: placeholders.get(v, v) if isinstance(v, str) else v for k, v in case.get("change", {}).items()}
        with contextlib.ExitStack() as meanwhile:
            for what, how in case.get("during", {}).items():
                meanwhile.enter_context({"quota": quota, "damage": damage, "flood": lambda _: flood(project)}[what](how))
            check(case, {**right, **change})
    left = account.rekognition.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"]
    expect([v["VersionName"] if "VersionName" in v else v["ProjectVersionArn"] for v in left], [source], "what refused copies left")
    account.rekognition.copy_project_version(**right)
    account.poll(project, "refused", "COPYING_COMPLETED", "COPYING_FAILED")
    print(f"{len(cases)} exceptions, each by boto3, the SDK for JavaScript and the AWS CLI")


main()
