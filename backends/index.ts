/** The one table of backends: name → lazy import. A package name works as well; see `loadBackend`. */
