package kmsapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimeo/internal/sigv4/sigv4test"
)

// A wireClient is one of the recorded clients, with what its server told it.
type wireClient struct {
	server *server
	key    string // the id of the key that it made
	blob   string // the data key that it got, in base64
}

var (
	recordedKey  = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	recordedBlob = regexp.MustCompile(`("CiphertextBlob": ?")[^"]*`)
)

// send replays a request, with the ids that this server gave in place of the
// recorded ones, and returns the answer's members.
func (c *wireClient) send(t *testing.T, q *sigv4test.Request) (*http.Response, map[string]any) {
	t.Helper()
	if c.key != "" {
		q.Body = recordedKey.ReplaceAll(q.Body, []byte(c.key))
		q.Body = recordedBlob.ReplaceAll(q.Body, []byte("${1}"+c.blob))
	}
	if q.Get("Content-Length") != "" {
		q.Set("Content-Length", strconv.Itoa(len(q.Body)))
	}
	k := c.server.access(account)
	q.Sign(sigv4test.Key{ID: k.ID, Secret: k.Secret.Reveal()}, time.Now())
	resp, body, err := q.Send(c.server.Listener.Addr().String())
	if err != nil {
		t.Fatalf("%s: %v", q.Name, err)
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("%s: %v in %s", q.Name, err, body)
	}
	return resp, members
}

// TestRecorded answers what recorded clients sent to KMS, signed again.
func TestRecorded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*sigv4test.Request{}
	for _, q := range all {
		byName[q.Name] = q
	}
	for _, client := range []string{"aws-deb", "aws-new", "boto3-deb", "boto3-new", "go", "js"} {
		c := &wireClient{server: s}
		run := func(op string) map[string]any {
			t.Helper()
			q := byName[client+".kms-"+op+".01"]
			if q == nil {
				t.Fatalf("%s.kms-%s is not recorded", client, op)
			}
			resp, members := c.send(t, q)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" || resp.Header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("%s: status %d, headers %v, body %v", q.Name, resp.StatusCode, resp.Header, members)
			}
			return members
		}
		metadata, _ := run("CreateKey")["KeyMetadata"].(map[string]any)
		c.key, _ = metadata["KeyId"].(string)
		if _, isNumber := metadata["CreationDate"].(float64); !isNumber || metadata["Description"] != "d" || c.key == "" {
			t.Errorf("%s: metadata %v", client, metadata)
		}
		described, _ := run("DescribeKey")["KeyMetadata"].(map[string]any)
		if described["KeyId"] != c.key {
			t.Errorf("%s: described %v", client, described)
		}
		data := run("GenerateDataKey")
		c.blob, _ = data["CiphertextBlob"].(string)
		if got := run("Decrypt"); got["Plaintext"] != data["Plaintext"] || got["KeyId"] != metadata["Arn"] || c.blob == "" {
			t.Errorf("%s: decrypted %v, want what was generated: %v", client, got, data)
		}
		if grant := run("CreateGrant"); len(grant["GrantId"].(string)) != 64 || grant["GrantToken"] == "" {
			t.Errorf("%s: grant %v", client, grant)
		}
	}
}

// TestFaultOnTheWire pins the shape of an error.
func TestFaultOnTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if !strings.Contains(q.Name, ".kms-DescribeKey") {
			continue
		}
		c := &wireClient{server: s}
		resp, members := c.send(t, q)
		id := string(recordedKey.Find(q.Body))
		if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("X-Amzn-Errortype") != "NotFoundException" || len(members) != 2 ||
			members["__type"] != "NotFoundException" || members["message"] != "Key 'arn:aws:kms:us-east-1:111122223333:key/"+id+"' does not exist" {
			t.Errorf("%s: %d %v", q.Name, resp.StatusCode, members)
		}
		q.Set("X-Amz-Target", "TrentService.GenerateMac")
		if resp, members = c.send(t, q); resp.StatusCode != http.StatusBadRequest || members["__type"] != "UnknownOperationException" {
			t.Errorf("%s: %d %v", q.Name, resp.StatusCode, members)
		}
		q.Set("X-Amz-Target", "TrentService.DescribeKey")
		q.Body = bytes.Replace(q.Body, []byte(`"KeyId"`), []byte(`"keyId"`), 1)
		if resp, members = c.send(t, q); resp.StatusCode != http.StatusBadRequest || members["__type"] != "ValidationException" ||
			members["message"] != "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null" {
			t.Errorf("%s: %d %v", q.Name, resp.StatusCode, members)
		}
	}
}

// TestConstraints breaks every constraint of every operation once, from the
// wire, and expects the framework's refusal: no operation is reached.
func TestConstraints(t *testing.T) {
	t.Parallel()
	s := serve(t)
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	var base *sigv4test.Request
	for _, q := range all {
		if q.Name == "go.kms-DescribeKey.01" {
			base = q
		}
	}
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	c := &wireClient{server: s}
	for _, bad := range []struct{ op, body, want string }{
		{"CreateAlias", `{}`, "2 validation errors detected"},
		{"CreateAlias", `{"AliasName":"alias/ ","TargetKeyId":"k"}`, "at 'aliasName'"},
		{"CreateAlias", `{"AliasName":` + long(257) + `,"TargetKeyId":"k"}`, "less than or equal to 256"},
		{"CreateGrant", `{"KeyId":"k"}`, "at 'operations' failed to satisfy constraint: Member must not be null"},
		{"CreateGrant", `{"KeyId":"k","Operations":["Use"]}`, "at 'operations'"},
		{"CreateGrant", `{"KeyId":"k","Operations":[],"GranteePrincipal":"a b"}`, "at 'granteePrincipal'"},
		{"CreateGrant", `{"KeyId":"k","Operations":[],"Name":""}`, "at 'name'"},
		{"CreateGrant", `{"KeyId":"k","Operations":[],"GrantTokens":["a","a","a","a","a","a","a","a","a","a","a"]}`, "at 'grantTokens'"},
		{"CreateKey", `{"Description":` + long(8193) + `}`, "at 'description'"},
		{"CreateKey", `{"Policy":"` + "Ā" + `"}`, "at 'policy'"},
		{"CreateKey", `{"Tags":[{"TagKey":""}]}`, "at 'tags.1.member.tagKey'"},
		{"CreateKey", `{"KeyUsage":"X"}`, "enum value set"},
		{"Decrypt", `{}`, "at 'ciphertextBlob'"},
		{"Decrypt", `{"CiphertextBlob":""}`, "greater than or equal to 1"},
		{"DescribeKey", `{"KeyId":` + long(2049) + `}`, "at 'keyId'"},
		{"DescribeKey", `{"KeyId":null}`, "at 'keyId'"},
		{"EnableKey", `{}`, "at 'keyId'"},
		{"DisableKey", `{}`, "at 'keyId'"},
		{"CancelKeyDeletion", `{}`, "at 'keyId'"},
		{"Encrypt", `{"KeyId":"k"}`, "at 'plaintext'"},
		{"GenerateDataKey", `{"KeyId":"k","NumberOfBytes":1025}`, "at 'numberOfBytes'"},
		{"GenerateDataKey", `{"KeyId":"k","KeySpec":"AES_512"}`, "AES_256, AES_128"},
		{"GenerateDataKeyWithoutPlaintext", `{"KeyId":"k","NumberOfBytes":0}`, "at 'numberOfBytes'"},
		{"GetKeyPolicy", `{"KeyId":"k","PolicyName":"a-b"}`, "at 'policyName'"},
		{"GetPublicKey", `{}`, "at 'keyId'"},
		{"ListAliases", `{"Limit":0}`, "at 'limit'"},
		{"ListGrants", `{"KeyId":"k","Marker":""}`, "at 'marker'"},
		{"ListKeys", `{"Limit":1001}`, "at 'limit'"},
		{"PutKeyPolicy", `{"KeyId":"k"}`, "at 'policy'"},
		{"ReEncrypt", `{}`, "2 validation errors detected"},
		{"RetireGrant", `{"GrantId":` + long(129) + `}`, "at 'grantId'"},
		{"RevokeGrant", `{"KeyId":"k"}`, "at 'grantId'"},
		{"ScheduleKeyDeletion", `{"KeyId":"k","PendingWindowInDays":366}`, "at 'pendingWindowInDays'"},
		{"Sign", `{}`, "3 validation errors detected"},
		{"Sign", `{"KeyId":"k","Message":"","SigningAlgorithm":"ECDSA_SHA_256"}`, "at 'message'"},
		{"Sign", `{"KeyId":"k","Message":"eA==","SigningAlgorithm":"ECDSA_SHA_1"}`, "at 'signingAlgorithm'"},
		{"Sign", `{"KeyId":"k","Message":"eA==","SigningAlgorithm":"ECDSA_SHA_256","MessageType":"TEXT"}`, "at 'messageType'"},
		{"Verify", `{"KeyId":"k","Message":"eA==","SigningAlgorithm":"ECDSA_SHA_256"}`, "at 'signature'"},
	} {
		q := base.Clone()
		q.Set("X-Amz-Target", "TrentService."+bad.op)
		q.Body = []byte(bad.body)
		resp, members := c.send(t, q)
		message, _ := members["message"].(string)
		if resp.StatusCode != http.StatusBadRequest || members["__type"] != "ValidationException" || !strings.Contains(message, "validation error") || !strings.Contains(message, bad.want) {
			t.Errorf("%s %.80s: %d %v, want %q", bad.op, bad.body, resp.StatusCode, members, bad.want)
		}
	}
}
