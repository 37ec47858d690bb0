package apptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// Mimeo calls one of mimeo's own operations, which the SDK does not know: in
// and out are the members as JSON. A refusal is a [smithy.APIError].
func (c *Client) Mimeo(ctx context.Context, operation string, in, out any) (err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.Config.BaseEndpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Mimeo."+operation)
	credentials, err := c.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "rekognition", c.Config.Region, time.Now()); err != nil {
		return err
	}
	response, err := c.Config.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return json.Unmarshal(answer, out)
	}
	var refusal struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal(answer, &refusal); err != nil {
		return fmt.Errorf("%s is answered %s: %q", operation, response.Status, answer)
	}
	return &smithy.GenericAPIError{Code: refusal.Type, Message: refusal.Message}
}
