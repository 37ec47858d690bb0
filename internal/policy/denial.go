package policy

import (
	"fmt"

	"mimeo/internal/arn"
)

// A DeniedError is the cause of a refusal: who was refused what, and why. It
// is for the log, and for sts:DecodeAuthorizationMessage.
type DeniedError struct {
	Principal arn.Principal
	Request   Request
	Decision  Decision
	// Foreign is set where the caller does not belong to the account that
	// owns the resource, and must learn nothing of the decision.
	Foreign bool
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s may not perform %s on %s: %s", e.Principal, e.Request.Action, e.Request.Resource, e.Decision.Reason())
}
