package awsjson

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// into fills a struct of the SDK. Members that the struct lacks are ignored.
func (d document) into(structure reflect.Value) error { return fillStruct(structure, d, "") }

func fillStruct(structure reflect.Value, members map[string]any, path string) error {
	for i := range structure.NumField() {
		field := structure.Type().Field(i)
		if field.Anonymous && field.IsExported() { // an input that has more members than the SDK's
			if err := fillStruct(structure.Field(i), members, path); err != nil {
				return err
			}
			continue
		}
		v, given := members[field.Name]
		if !given || !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		if err := fill(structure.Field(i), v, join(path, field.Name)); err != nil {
			return err
		}
	}
	return nil
}

// fill sets dst to v. The messages are those of AWS's own JSON reader, with
// the member's name, which that leaves out.
func fill(dst reflect.Value, v any, path string) error {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		return fill(dst.Elem(), v, path)
	}
	switch t := v.(type) {
	case map[string]any:
		return fillObject(dst, t, path)
	case []any:
		return fillList(dst, t, path)
	case string:
		return fillText(dst, t, path)
	case number:
		return fillNumber(dst, t, path)
	case bool:
		if dst.Kind() == reflect.Bool {
			dst.SetBool(t)
			return nil
		}
		return cannotConvert(map[bool]string{true: "TRUE_VALUE", false: "FALSE_VALUE"}[t], dst, path)
	default:
		return malformed("'%s' must not be null.", path)
	}
}

func fillObject(dst reflect.Value, members map[string]any, path string) error {
	switch {
	case dst.Type() == timeType || dst.Kind() != reflect.Struct && dst.Kind() != reflect.Map:
		return malformed("Start of structure or map found where not expected: '%s'.", path)
	case dst.Kind() == reflect.Struct:
		return fillStruct(dst, members, path)
	}
	dst.Set(reflect.MakeMapWithSize(dst.Type(), len(members)))
	for key, v := range members {
		entry := reflect.New(dst.Type().Elem()).Elem()
		if err := fill(entry, v, path+"."+key); err != nil {
			return err
		}
		dst.SetMapIndex(reflect.ValueOf(key).Convert(dst.Type().Key()), entry)
	}
	return nil
}

func fillList(dst reflect.Value, items []any, path string) error {
	if dst.Kind() != reflect.Slice || isBlob(dst.Type()) {
		return malformed("Start of list found where not expected: '%s'.", path)
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(items), len(items)))
	for i, item := range items {
		if err := fill(dst.Index(i), item, member(path, i)); err != nil {
			return err
		}
	}
	return nil
}

func fillText(dst reflect.Value, s, path string) error {
	switch {
	case dst.Kind() == reflect.String:
		dst.SetString(s)
		return nil
	case isBlob(dst.Type()):
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return malformed("'%s' is not valid base64.", path).Because(err)
		}
		dst.SetBytes(b)
		return nil
	case isFloat(dst):
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[s]
		if ok {
			dst.SetFloat(f)
			return nil
		}
	}
	return cannotConvert("STRING_VALUE", dst, path)
}

func fillNumber(dst reflect.Value, n number, path string) error {
	switch {
	case dst.Type() == timeType:
		seconds, err := strconv.ParseFloat(string(n), 64)
		if err != nil || math.Abs(seconds) > 1e11 {
			return malformed("'%s' is not a time that can be expressed.", path)
		}
		dst.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
	case isFloat(dst):
		f, err := strconv.ParseFloat(string(n), dst.Type().Bits())
		if err != nil {
			return malformed("Numeric value (%.40s) out of range: '%s'.", n, path)
		}
		dst.SetFloat(f)
	case dst.CanInt():
		i, err := integer(n)
		if err != nil || dst.OverflowInt(i) {
			return malformed("Numeric value (%.40s) out of range of %s: '%s'.", n, typeName(dst), path)
		}
		dst.SetInt(i)
	default:
		return cannotConvert("NUMBER_VALUE", dst, path)
	}
	return nil
}

// integer takes 70 and 70.0 and 7e1, as clients write integers.
func integer(n number) (int64, error) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, strconv.ErrRange
	}
	return int64(f), nil
}

func isFloat(v reflect.Value) bool { return v.CanFloat() }

func isBlob(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func cannotConvert(token string, dst reflect.Value, path string) error {
	switch typeName(dst) {
	case "List":
		return malformed("Expected list or null: '%s'.", path)
	case "Structure", "Map":
		return malformed("Expected structure, map or null: '%s'.", path)
	}
	return malformed("%s can not be converted to a %s: '%s'.", token, typeName(dst), path)
}

// typeName is what AWS's messages call a type.
func typeName(v reflect.Value) string {
	switch {
	case v.Type() == timeType:
		return "Timestamp"
	case isBlob(v.Type()):
		return "Blob"
	}
	switch v.Kind() {
	case reflect.String:
		return "String"
	case reflect.Bool:
		return "Boolean"
	case reflect.Int64:
		return "Long"
	case reflect.Int32, reflect.Int:
		return "Integer"
	case reflect.Float32:
		return "Float"
	case reflect.Float64:
		return "Double"
	case reflect.Slice:
		return "List"
	case reflect.Map:
		return "Map"
	default:
		return "Structure"
	}
}
