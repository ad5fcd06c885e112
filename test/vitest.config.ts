import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/laws.ts"],
    exclude: ["test/interop/**", "node_modules/**", "dist/**"],
    // By default one processor is left idle.
    maxWorkers: "100%",
    // Against tests that hang, not against slow machines: nothing here measures time.
    testTimeout: 180_000,
    // Sockets and processes on a machine that others use may starve once; the report names what needed a second try. What fails twice, fails.
    retry: process.env["CI"] === undefined ? 0 : 1,
    hookTimeout: 60_000,
    coverage: { include: ["src/**", "backends/**"] },
  },
})
