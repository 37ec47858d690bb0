package s3api

import (
	"io"
	"net/http"
)

func (a *API) putBucketPolicy(w http.ResponseWriter, r *request) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	if err := a.buckets.PutBucketPolicy(r.Context(), r.caller, r.bucket, string(text)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) getBucketPolicy(w http.ResponseWriter, r *request) error {
	text, err := a.buckets.GetBucketPolicy(r.Context(), r.caller, r.bucket)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = io.WriteString(w, text)
	return err
}

func (a *API) deleteBucketPolicy(w http.ResponseWriter, r *request) error {
	if err := a.buckets.DeleteBucketPolicy(r.Context(), r.caller, r.bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
