package demo

// The rules of the story that tests hold to their word.
var (
	Identical = identical
	Right     = right
)

// Found is what reading a user's manifests gave: paths and labels.
type Found struct {
	Path   string
	Labels []string
}

// Read reads a user's images.
func (u UserImages) Read(seed uint64) (train, test []Found, err error) {
	set, err := u.read(seed)
	return found(set.train), found(set.test), err
}

func found(images []labelled) []Found {
	var all []Found
	for _, image := range images {
		all = append(all, Found{image.path, image.labels})
	}
	return all
}
