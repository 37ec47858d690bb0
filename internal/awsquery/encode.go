package awsquery

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// encode writes ACTIONResponse around ACTIONResult and ResponseMetadata.
func encode(action, namespace, requestID string, out any) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, action, namespace)
	b.WriteString("<" + action + "Result>")
	if err := writeMembers(&b, reflect.Indirect(reflect.ValueOf(out))); err != nil {
		return nil, err
	}
	b.WriteString("</" + action + "Result><ResponseMetadata>")
	writeText(&b, "RequestId", requestID)
	b.WriteString("</ResponseMetadata></" + action + "Response>\n")
	return b.Bytes(), nil
}

func encodeFault(namespace, requestID string, a answer) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error>`, namespace)
	side := "Sender"
	if a.status >= 500 {
		side = "Receiver"
	}
	writeText(&b, "Type", side)
	writeText(&b, "Code", string(a.code))
	writeText(&b, "Message", a.message)
	b.WriteString("</Error>")
	writeText(&b, "RequestId", requestID)
	b.WriteString("</ErrorResponse>\n")
	return b.Bytes()
}

func writeText(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	// A bytes.Buffer takes every write; what XML cannot hold becomes U+FFFD.
	_ = xml.EscapeText(b, []byte(text))
	b.WriteString("</" + name + ">")
}

func writeMembers(b *bytes.Buffer, structure reflect.Value) error {
	for i := range structure.NumField() {
		field := structure.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		if err := writeValue(b, field.Name, structure.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	return nil
}

func writeValue(b *bytes.Buffer, name string, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return writeValue(b, name, v.Elem())
	case v.Type() == timeType:
		writeText(b, name, v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05Z"))
		return nil
	case v.Kind() == reflect.Struct:
		b.WriteString("<" + name + ">")
		err := writeMembers(b, v)
		b.WriteString("</" + name + ">")
		return err
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		return writeList(b, name, v)
	case v.Kind() == reflect.Map:
		return writeMap(b, name, v)
	}
	text, err := scalar(v)
	if err == nil && (text != "" || v.Kind() != reflect.String && v.Kind() != reflect.Slice) {
		writeText(b, name, text)
	}
	return err
}

func writeList(b *bytes.Buffer, name string, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	b.WriteString("<" + name + ">")
	for i := range v.Len() {
		if err := writeValue(b, "member", v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteString("</" + name + ">")
	return nil
}

// writeMap writes a map of strings to scalars, in the order of its keys.
func writeMap(b *bytes.Buffer, name string, v reflect.Value) error {
	b.WriteString("<" + name + ">")
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		b.WriteString("<entry>")
		writeText(b, "key", key.String())
		if err := writeValue(b, "value", v.MapIndex(key)); err != nil {
			return err
		}
		b.WriteString("</entry>")
	}
	b.WriteString("</" + name + ">")
	return nil
}

func scalar(v reflect.Value) (string, error) {
	switch {
	case v.Kind() == reflect.String:
		return v.String(), nil
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), nil
	case v.Kind() == reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes()), nil
	default:
		return "", fmt.Errorf("a %s has no form in the Query protocol", v.Type())
	}
}
