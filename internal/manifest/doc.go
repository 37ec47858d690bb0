// Package manifest reads the manifests of Amazon SageMaker Ground Truth as
// Rekognition Custom Labels takes them: JSON Lines, one image a line. It is
// pure: it reads no image and knows no store.
//
// Formats:
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/md-create-manifest-file-classification.html
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/md-create-manifest-file-object-detection.html
//
// Errors: https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging-json-line-errors.html
package manifest
