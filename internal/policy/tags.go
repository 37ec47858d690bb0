package policy

import (
	"maps"
	"slices"
	"strings"
)

// RequestTags are the condition keys of a request that gives tags to what it
// makes: aws:RequestTag/KEY and aws:TagKeys.
func RequestTags(tags map[string]string) Keys {
	keys := Keys{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		keys.add("aws:requesttag/"+strings.ToLower(k), tags[k])
		keys.add("aws:tagkeys", k)
	}
	return keys
}

// TagKeys are the condition keys of a request that removes tags: aws:TagKeys.
func TagKeys(names []string) Keys {
	return Keys{"aws:tagkeys": names}
}

// ResourceTag is what the names of the condition keys of a resource's tags
// begin with: see [Mentions].
const ResourceTag = "aws:resourcetag/"

// AddResourceTags adds the condition keys of a resource that has tags:
// aws:ResourceTag/KEY.
func (k Keys) AddResourceTags(tags map[string]string) {
	for name, v := range tags {
		k.add(ResourceTag+strings.ToLower(name), v)
	}
}

func (k Keys) add(name, value string) { k[name] = append(k[name], value) }
