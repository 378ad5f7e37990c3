/**
 * Runs a file of tests with the globals that Jest gives one, in the order in which Jest calls them; the
 * real one, 54 MB of it, is no dependency of ours. Exits with 1 for a test that fails.
 */
const lists = { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [], tests: [] }
for (const name of ['beforeAll', 'afterAll', 'beforeEach', 'afterEach']) {
  globalThis[name] = (work) => lists[name].push(work)
}
globalThis.test = (name, work) => lists.tests.push(work)
const runAll = async (works) => {
  for (const work of works) await work()
}

await import('./orders.sample.mjs')
await runAll(lists.beforeAll)
try {
  for (const work of lists.tests) {
    await runAll(lists.beforeEach)
    try {
      await work()
    } finally {
      await runAll(lists.afterEach)
    }
  }
} finally {
  await runAll(lists.afterAll)
}
