// Asks for the copy in the file REQUEST and prints what the AWS SDK for
// JavaScript makes of the refusal, as JSON.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const sdk = createRequire(join(process.env.JAVASCRIPT, "package.json"))("@aws-sdk/client-rekognition");
const client = new sdk.Rekognition({ endpoint: process.env.ENDPOINT, profile: "trusting", region: "us-east-1", maxAttempts: 1 });
try {
  console.log(JSON.stringify(await client.copyProjectVersion(JSON.parse(await readFile(process.argv[2], "utf8")))));
} catch (error) {
  console.log(JSON.stringify({
    code: error.name, class: error.constructor.name, status: error.$metadata?.httpStatusCode, message: error.message,
  }));
}
