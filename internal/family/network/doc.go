// Package network is what families have in common that train a network of
// package nn: decoded images in a cache, a course of steps that is cut into
// slices and goes on from its checkpoint as if it had not been cut, and a guard against
// divergence.
package network
