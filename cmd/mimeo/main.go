// Command mimeo is a self-hosted Amazon Rekognition Custom Labels.
package main

func main() {}
