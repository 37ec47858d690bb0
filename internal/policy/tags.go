package policy

import "strings"

// RequestTags are the condition keys of a request that gives tags to what it
// makes: aws:RequestTag/KEY and aws:TagKeys.
func RequestTags(tags map[string]string) Keys {
	keys := Keys{}
	for k, v := range tags {
		keys.add("aws:requesttag/"+strings.ToLower(k), v)
		keys.add("aws:tagkeys", k)
	}
	return keys
}

// AddResourceTags adds the condition keys of a resource that has tags:
// aws:ResourceTag/KEY.
func (k Keys) AddResourceTags(tags map[string]string) {
	for name, v := range tags {
		k.add("aws:resourcetag/"+strings.ToLower(name), v)
	}
}

func (k Keys) add(name, value string) { k[name] = append(k[name], value) }
