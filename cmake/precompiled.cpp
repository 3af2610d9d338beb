// The one file of the target that holds the precompiled header.
