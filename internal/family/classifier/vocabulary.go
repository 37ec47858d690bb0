package classifier

import (
	"context"
	"fmt"
	"sync"

	"mimeo/internal/descriptor"
	"mimeo/internal/pixel"
)

// A vocabulary turns images into features: one part per channel.
type vocabulary [len(channels)]words

// words are the vocabulary of one channel.
type words struct {
	pca    *descriptor.PCA
	gmm    *descriptor.GMM
	fisher *descriptor.Fisher
}

func newWords(pca *descriptor.PCA, gmm *descriptor.GMM) words {
	return words{pca, gmm, descriptor.NewFisher(gmm)}
}

// fitVocabulary fits every channel to its samples, which lie at the places.
func fitVocabulary(ctx context.Context, samples [len(channels)]*descriptor.Set, at []descriptor.Point, seed uint64) (*vocabulary, error) {
	var v vocabulary
	for i, c := range channels {
		pca, err := descriptor.FitPCA(samples[i], c.components)
		if err != nil {
			return nil, fmt.Errorf("fit vocabulary: %w", err)
		}
		placed := descriptor.WithPlace(pca.Project(samples[i]), at, placeWeight)
		gmm, err := descriptor.FitGMM(ctx, placed, gaussians, seed)
		if err != nil {
			return nil, fmt.Errorf("fit vocabulary: %w", err)
		}
		v[i] = newWords(pca, gmm)
	}
	return &v, nil
}

// features describes an image. Channels run side by side and do not meet, so
// that the result does not depend on how they were scheduled.
func (v *vocabulary) features(m *pixel.Image) []float32 {
	levels := pyramid(m)
	at := places(levels)
	var parts [len(channels)][]float32
	var wait sync.WaitGroup
	for i, c := range channels {
		wait.Go(func() {
			local := v[i].pca.Project(c.local(levels))
			parts[i] = v[i].fisher.Encode(descriptor.WithPlace(local, at, placeWeight))
		})
	}
	wait.Wait()
	out := make([]float32, 0, featureDim())
	for _, part := range parts {
		out = append(out, part...)
	}
	return out
}
