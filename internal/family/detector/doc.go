// Package detector is the family for bounding boxes: an anchor-free network
// that marks the centres of objects in one heat map a label (Zhou et al. 2019,
// arXiv:1904.07850) and tells at every place the distances to the four sides of the
// object about it (Tian et al. 2019, arXiv:1904.01355), trained from scratch.
// Targets are those of Liu et al. 2020 (arXiv:1909.00700), which teach many
// places of an object at once and so need few steps.
package detector
