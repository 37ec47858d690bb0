package rekapi

// VersionDescription is how DescribeProjectVersions describes a version.
var VersionDescription = versionDescriptionOf
