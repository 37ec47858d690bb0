package awsjson

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// encode writes an output struct of the SDK. Times are numbers: epoch
// seconds with milliseconds. A float32 is widened, as AWS's answers are.
func encode(out any) ([]byte, error) {
	var b bytes.Buffer
	// A message may repeat what the caller sent: what is no UTF-8 is replaced.
	enc := jsontext.NewEncoder(&b, jsontext.AllowInvalidUTF8(true))
	if err := writeValue(enc, reflect.Indirect(reflect.ValueOf(out))); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func writeValue(enc *jsontext.Encoder, v reflect.Value) error {
	switch t := v.Type(); {
	case v.Kind() == reflect.Pointer:
		return writeValue(enc, v.Elem())
	case t == timeType:
		millis := v.Interface().(time.Time).UnixMilli()
		return enc.WriteToken(jsontext.Float(float64(millis) / 1000))
	case isBlob(t):
		return enc.WriteToken(jsontext.String(base64.StdEncoding.EncodeToString(v.Bytes())))
	case v.CanInt():
		return enc.WriteToken(jsontext.Int(v.Int()))
	case v.CanFloat():
		return writeFloat(enc, v.Float())
	}
	switch v.Kind() {
	case reflect.String:
		return enc.WriteToken(jsontext.String(v.String()))
	case reflect.Bool:
		return enc.WriteToken(jsontext.Bool(v.Bool()))
	case reflect.Struct:
		return writeStruct(enc, v)
	case reflect.Slice:
		return writeList(enc, v)
	case reflect.Map:
		return writeMap(enc, v)
	default:
		return fmt.Errorf("a %s has no JSON form", v.Type())
	}
}

func writeFloat(enc *jsontext.Encoder, f float64) error {
	switch {
	case math.IsNaN(f):
		return enc.WriteToken(jsontext.String("NaN"))
	case math.IsInf(f, 1):
		return enc.WriteToken(jsontext.String("Infinity"))
	case math.IsInf(f, -1):
		return enc.WriteToken(jsontext.String("-Infinity"))
	default:
		return enc.WriteToken(jsontext.Float(f))
	}
}

func writeStruct(enc *jsontext.Encoder, v reflect.Value) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" || absent(v.Field(i)) {
			continue
		}
		if err := enc.WriteToken(jsontext.String(field.Name)); err != nil {
			return err
		}
		if err := writeValue(enc, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// absent says what is left out: the SDK's types say "not set" by nil and, for
// enums, by the empty string. A number or bool that is no pointer is a member
// with a default, which AWS writes.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	default:
		return false
	}
}

func writeList(enc *jsontext.Encoder, v reflect.Value) error {
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := writeValue(enc, v.Index(i)); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}

func writeMap(enc *jsontext.Encoder, v reflect.Value) error {
	entries := map[string]reflect.Value{}
	for key, entry := range v.Seq2() {
		entries[key.String()] = entry
	}
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if err := enc.WriteToken(jsontext.String(key)); err != nil {
			return err
		}
		if err := writeValue(enc, entries[key]); err != nil {
			return fmt.Errorf("entry %q: %w", key, err)
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}
