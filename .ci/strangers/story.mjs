// The whole story by the AWS SDK for JavaScript, unmodified.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const { ENDPOINT: endpoint, IMAGES: images, MANIFESTS: manifests, JAVASCRIPT: modules, STRANGER: name } = process.env;
const load = createRequire(join(modules, "package.json"));
const { Rekognition, waitUntilProjectVersionTrainingCompleted, waitUntilProjectVersionRunning } = load("@aws-sdk/client-rekognition");
const { S3, paginateListObjectsV2 } = load("@aws-sdk/client-s3");
const { KMS } = load("@aws-sdk/client-kms");
const { STS } = load("@aws-sdk/client-sts");

async function signIn(id, profile) {
  const config = { endpoint, profile, region: "us-east-1" };
  const identity = await new STS(config).getCallerIdentity({});
  assert.equal(identity.Account, id);
  return {
    rekognition: new Rekognition(config),
    s3: new S3({ ...config, forcePathStyle: true }),
    kms: new KMS(config),
    bucket: `custom-labels-${name}-${id}`,
  };
}

async function poll(what, look) {
  let last;
  for (let i = 0; i < 600; i++) {
    last = await look();
    if (last.done) return last;
    assert.ok(!`${last.Status}`.includes("FAILED"), `${what}: ${last.Status} ${last.StatusMessage}`);
    await sleep(100);
  }
  assert.fail(`${what} did not happen: ${JSON.stringify(last)}`);
}

async function version(account, ProjectArn, VersionName, want) {
  return poll(`${VersionName} ${want}`, async () => {
    const found = await account.rekognition.describeProjectVersions({ ProjectArn, VersionNames: [VersionName] });
    const [description] = found.ProjectVersionDescriptions;
    return { ...description, done: description ? description.Status === want : want === "gone" };
  });
}

async function dataset(account, ProjectArn, which) {
  const lines = (await readFile(join(manifests, `${which}.manifest`), "utf8"))
    .replaceAll("s3://mimeo-data/dev/digits10/", `s3://${account.bucket}/`);
  const Name = `${which}.manifest`;
  await account.s3.putObject({ Bucket: account.bucket, Key: Name, Body: lines });
  const { DatasetArn } = await account.rekognition.createDataset({
    ProjectArn, DatasetType: which.toUpperCase(),
    DatasetSource: { GroundTruthManifest: { S3Object: { Bucket: account.bucket, Name } } },
  });
  const created = await poll(DatasetArn, async () => {
    const { DatasetDescription: d } = await account.rekognition.describeDataset({ DatasetArn });
    return { ...d, done: d.Status === "CREATE_COMPLETE" };
  });
  assert.equal(created.DatasetStats.LabeledEntries, lines.trimEnd().split("\n").length);
}

async function train(account) {
  const { ProjectArn } = await account.rekognition.createProject({ ProjectName: name });
  await dataset(account, ProjectArn, "train");
  await dataset(account, ProjectArn, "test");
  const { ProjectVersionArn } = await account.rekognition.createProjectVersion({
    ProjectArn, VersionName: "v1", OutputConfig: { S3Bucket: account.bucket, S3KeyPrefix: "results" },
  });
  const waited = await waitUntilProjectVersionTrainingCompleted(
    { client: account.rekognition, minDelay: 1, maxDelay: 2, maxWaitTime: 600 }, { ProjectArn, VersionNames: ["v1"] });
  assert.equal(waited.state, "SUCCESS");
  const trained = await version(account, ProjectArn, "v1", "TRAINING_COMPLETED");
  assert.ok(trained.TrainingEndTimestamp instanceof Date && !Number.isNaN(trained.TrainingEndTimestamp.valueOf()));
  assert.ok(trained.EvaluationResult.F1Score > 0.5 && trained.EvaluationResult.F1Score <= 1, `F1 ${trained.EvaluationResult.F1Score}`);
  return [ProjectArn, ProjectVersionArn];
}

async function start(account, ProjectArn, VersionName, ProjectVersionArn) {
  await account.rekognition.startProjectVersion({ ProjectVersionArn, MinInferenceUnits: 1 });
  const waited = await waitUntilProjectVersionRunning(
    { client: account.rekognition, minDelay: 1, maxDelay: 2, maxWaitTime: 120 }, { ProjectArn, VersionNames: [VersionName] });
  assert.equal(waited.state, "SUCCESS");
}

async function stopAndDelete(account, ProjectArn, VersionName, ProjectVersionArn) {
  await account.rekognition.stopProjectVersion({ ProjectVersionArn });
  await version(account, ProjectArn, VersionName, "STOPPED");
  await account.rekognition.deleteProjectVersion({ ProjectVersionArn });
  await version(account, ProjectArn, VersionName, "gone");
}

async function detect(account, ProjectVersionArn, Image) {
  const { CustomLabels } = await account.rekognition.detectCustomLabels({ ProjectVersionArn, Image, MinConfidence: 0 });
  assert.notEqual(CustomLabels.length, 0, `${ProjectVersionArn} sees nothing in an image`);
  return CustomLabels;
}

const trusting = await signIn("111122223333", "trusting");
const trusted = await signIn("555555555555", "trusted");
for (const { s3, bucket } of [trusting, trusted]) await s3.createBucket({ Bucket: bucket });
const files = (await readdir(images, { recursive: true, withFileTypes: true })).filter((f) => f.isFile())
  .map((f) => join(f.path, f.name).slice(images.length + 1)).sort();
for (const Key of files) {
  await trusting.s3.putObject({ Bucket: trusting.bucket, Key, Body: await readFile(join(images, Key)) });
}
const [sourceProject, source] = await train(trusting);

const { ProjectArn: project } = await trusted.rekognition.createProject({ ProjectName: name });
const { KeyMetadata: { Arn: key } } = await trusted.kms.createKey({});
const request = {
  SourceProjectArn: sourceProject, SourceProjectVersionArn: source, DestinationProjectArn: project, VersionName: "copy",
  OutputConfig: { S3Bucket: trusted.bucket, S3KeyPrefix: "results" }, Tags: { stage: "production" }, KmsKeyId: key,
};
await assert.rejects(trusted.rekognition.copyProjectVersion(request), { name: "AccessDeniedException" });
await trusting.rekognition.putProjectPolicy({
  ProjectArn: sourceProject, PolicyName: "trust", PolicyDocument: JSON.stringify({
    Version: "2012-10-17", Statement: [{
      Effect: "Allow", Principal: { AWS: "arn:aws:iam::555555555555:root" },
      Action: "rekognition:CopyProjectVersion", Resource: source,
    }],
  }),
});
const { ProjectVersionArn: copy } = await trusted.rekognition.copyProjectVersion(request);
const copied = await version(trusted, project, "copy", "COPYING_COMPLETED");
assert.equal(copied.SourceProjectVersionArn, source);
assert.equal(copied.KmsKeyId, key);
assert.deepEqual((await trusted.rekognition.listTagsForResource({ ResourceArn: copy })).Tags, { stage: "production" });
const { Bucket, Name } = copied.EvaluationResult.Summary.S3Object;
const summary = await trusted.s3.getObject({ Bucket, Key: Name });
assert.equal(summary.SSEKMSKeyId, key);
JSON.parse(await summary.Body.transformToString());

await start(trusting, sourceProject, "v1", source);
await start(trusted, project, "copy", copy);
const tested = files.filter((f) => f.startsWith("test/"));
const answers = new Map();
for (const test of tested) {
  const Bytes = await readFile(join(images, test));
  answers.set(test, await detect(trusting, source, { Bytes }));
  assert.deepEqual(await detect(trusted, copy, { Bytes }), answers.get(test), `source and copy differ about ${test}`);
}
const [first] = tested;
assert.deepEqual(await detect(trusting, source, { S3Object: { Bucket: trusting.bucket, Name: first } }), answers.get(first));

// The source goes away; the copy stays.
await stopAndDelete(trusting, sourceProject, "v1", source);
await trusting.rekognition.deleteProject({ ProjectArn: sourceProject });
for await (const page of paginateListObjectsV2({ client: trusting.s3 }, { Bucket: trusting.bucket })) {
  await trusting.s3.deleteObjects({ Bucket: trusting.bucket, Delete: { Objects: page.Contents.map(({ Key }) => ({ Key })) } });
}
await trusting.s3.deleteBucket({ Bucket: trusting.bucket });
assert.deepEqual(await detect(trusted, copy, { Bytes: await readFile(join(images, first)) }), answers.get(first));
await stopAndDelete(trusted, project, "copy", copy);
console.log(`@aws-sdk/client-rekognition ${load("@aws-sdk/client-rekognition/package.json").version}: ${tested.length} of ${tested.length} answers of the copy are the source's`);
