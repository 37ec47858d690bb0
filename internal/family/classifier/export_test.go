package classifier

// WithLandmarks returns a family whose heads have few landmarks.
func WithLandmarks(n, workers int) *Classifier { return &Classifier{Workers: workers, landmarks: n} }
