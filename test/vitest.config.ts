import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    exclude: ["test/interop/**", "node_modules/**", "dist/**"],
    testTimeout: 20_000,
    coverage: { include: ["src/**", "backends/**"] },
  },
})
