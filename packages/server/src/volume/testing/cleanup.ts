/** Undoes what a test has set up, last first, even where one step fails; then rejects with the first failure. */
export class Cleanup {
  readonly #steps: Array<() => Promise<unknown>> = []

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step)
  }

  async run(): Promise<void> {
    const failures: unknown[] = []
    for (const step of this.#steps.splice(0).toReversed()) {
      await step().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw new AggregateError(failures, 'cleaning up after a test failed')
  }
}
