package awsquery

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxList is the longest list that a parameter may hold.
const maxList = 1000

var timeType = reflect.TypeFor[time.Time]()

// parameters are the request's, by full name: "Tags.member.1.Key".
type parameters map[string]string

// into fills a struct of the SDK.
func (p parameters) into(structure reflect.Value) error { return p.fillStruct(structure, "") }

func (p parameters) fillStruct(structure reflect.Value, prefix string) error {
	for i := range structure.NumField() {
		field := structure.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		if err := p.fill(structure.Field(i), p.spelling(prefix, field.Name)); err != nil {
			return err
		}
	}
	return nil
}

// spelling is how the request writes a member: a few begin with a lower-case
// letter in the model ("PolicyArns.member.1.arn"), and none with the SDK.
func (p parameters) spelling(prefix, member string) string {
	if lower := prefix + strings.ToLower(member[:1]) + member[1:]; prefix != "" && p.given(lower) {
		return lower
	}
	return prefix + member
}

// given reports whether a parameter, or one inside it, was sent.
func (p parameters) given(name string) bool {
	if _, ok := p[name]; ok {
		return true
	}
	for key := range p {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

func (p parameters) fill(dst reflect.Value, name string) error {
	if !p.given(name) {
		return nil
	}
	switch {
	case dst.Kind() == reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		return p.fill(dst.Elem(), name)
	case dst.Kind() == reflect.Struct && dst.Type() != timeType:
		return p.fillStruct(dst, name+".")
	case dst.Kind() == reflect.Slice && dst.Type().Elem().Kind() != reflect.Uint8:
		return p.fillList(dst, name)
	}
	text, ok := p[name]
	if !ok {
		return malformed("The parameter %.100s must have a single value.", name)
	}
	if err := fillScalar(dst, text); err != nil {
		return malformed("The value of %.100s is not a %s.", name, dst.Type()).Because(err)
	}
	return nil
}

// fillList takes NAME.member.1, NAME.member.2, … up to the first that is
// missing.
func (p parameters) fillList(dst reflect.Value, name string) error {
	for i := 1; ; i++ {
		item := name + ".member." + strconv.Itoa(i)
		if !p.given(item) {
			return nil
		}
		if i > maxList {
			return malformed("The parameter %.100s has more than %d members.", name, maxList)
		}
		v := reflect.New(dst.Type().Elem()).Elem()
		if err := p.fill(v, item); err != nil {
			return err
		}
		dst.Set(reflect.Append(dst, v))
	}
}

func fillScalar(dst reflect.Value, text string) error {
	switch {
	case dst.Type() == timeType:
		t, err := time.Parse(time.RFC3339, text)
		dst.Set(reflect.ValueOf(t.UTC()))
		return err
	case dst.Kind() == reflect.Slice:
		b, err := base64.StdEncoding.DecodeString(text)
		dst.SetBytes(b)
		return err
	case dst.Kind() == reflect.String:
		dst.SetString(text)
		return nil
	case dst.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		dst.SetBool(b)
		return err
	case dst.CanInt():
		n, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		dst.SetInt(n)
		return err
	case dst.CanFloat():
		f, err := strconv.ParseFloat(text, dst.Type().Bits())
		dst.SetFloat(f)
		return err
	default:
		return strconv.ErrSyntax
	}
}
