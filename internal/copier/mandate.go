package copier

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/objects"
)

// mandate is what the copy's job may do in the caller's name: write the
// result files and, where the caller may, remove them; and seal them with the
// key that the caller has named. It was all checked; nothing is asked again
// when the job runs, so it survives the caller's session and permissions.
func (d *decision) mandate(ctx context.Context) (arn.Mandate, error) {
	files := d.target().Files()
	removable := true
	switch err := d.Objects.CanDelete(ctx, d.caller, files...); {
	case errors.Is(err, objects.AccessDenied):
		removable = false
	case err != nil:
		return nil, fmt.Errorf("ask whether the results can be removed: %w", err)
	}
	owner := d.caller.Principal.Account // of the bucket, as mayWriteResults has made sure
	var m arn.Mandate
	for _, f := range files {
		object := arn.ARN{Partition: d.caller.Principal.Partition, Service: "s3", Resource: f.Bucket + "/" + f.Key}.String()
		m = append(m, arn.Permission{Action: "s3:PutObject", Resource: object, Owner: owner})
		if removable {
			m = append(m, arn.Permission{Action: "s3:DeleteObject", Resource: object, Owner: owner})
		}
	}
	if d.req.KMSKeyID != "" {
		m = append(m, arn.Permission{Action: "kms:GenerateDataKey", Resource: d.key.String(), Owner: d.key.Account})
	}
	return m, nil
}
