interface AdvisedErrorOptions extends ErrorOptions {
  /** What to do about it, on lines of its own. */
  advice?: string
}

/** An error that is the user's to read: the message says what, the advice what to do. */
export class AdvisedError extends Error {
  readonly advice: string | undefined

  constructor(message: string, options: AdvisedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AdvisedError'
    this.advice = options.advice
  }
}
