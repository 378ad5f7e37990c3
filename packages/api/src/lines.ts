/** Of an answer in lines: a JSON document each. */
export const linesType = 'application/x-ndjson'

/**
 * The last line of an answer in lines that came to grief after it began: what would have been the body of
 * an error.
 */
export interface FailureLine {
  type: 'failure'
  request_id: string
  code: string
  message: string
}

/** The lines as they come in. A failure is thrown as `toError` makes it; to leave early calls the work off. */
export async function* linesOf(
  response: Response,
  toError: (failure: FailureLine) => Error,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  if (reader === undefined) return
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const texts = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = texts.pop() ?? ''
      for (const text of texts) {
        const line: unknown = JSON.parse(text)
        if (isFailure(line)) throw toError(line)
        yield line
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

const isFailure = (line: unknown): line is FailureLine =>
  typeof line === 'object' && line !== null && 'type' in line && line.type === 'failure'
