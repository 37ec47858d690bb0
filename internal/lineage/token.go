package lineage

import (
	"cmp"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// A position is a place in the order of a lineage: by time, then by name. A
// source is always older than its copies. The zero position is before all.
type position struct {
	created int64
	version string
}

func positionOf(n Node) position {
	if n.CreatedAt.IsZero() {
		return position{0, n.Version.String()}
	}
	return position{n.CreatedAt.UnixMilli(), n.Version.String()}
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.created, q.created), strings.Compare(p.version, q.version))
}

// token names a position to the caller. It gives nobody a right: every page
// is read with the permissions of who asks for it.
func (p position) token() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.created, 10) + " " + p.version))
}

func parseToken(token string) (position, error) {
	if token == "" {
		return position{}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	created, version, ok := strings.Cut(string(raw), " ")
	at, numberErr := strconv.ParseInt(created, 10, 64)
	if err != nil || !ok || numberErr != nil || !utf8.Valid(raw) {
		return position{}, fault.New(customlabels.InvalidPaginationToken, "Invalid Pagination Token")
	}
	return position{at, version}, nil
}
