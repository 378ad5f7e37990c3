import type { ApiOperation, NeonApi } from './openapi.ts'

/** Which of Neon's operations were answered as its document says, whoever called them. */
export interface Recorder {
  /** Calls, as in the document, that were answered with success. */
  readonly answered: ReadonlySet<string>
  /** Where answers were not as documented. */
  readonly mismatches: readonly string[]
  readonly observe: (method: string, url: string, status: number, body: unknown) => void
}

export function createRecorder(api: NeonApi, baseUrl: string): Recorder {
  const answered = new Set<string>()
  const mismatches: string[] = []
  // Longer templates last: `/branches/count` is a call of its own and no branch.
  const patterns = api.operations.map((operation) => ({ operation, pattern: patternOf(operation) }))
  patterns.sort((a, b) => countParameters(a.operation) - countParameters(b.operation))
  return {
    answered,
    mismatches,
    observe(method, url, status, body) {
      if (status < 200 || status > 299) return
      const [path = ''] = url.replace(baseUrl, '').split('?')
      const line = `${method.toUpperCase()} ${path}`
      const operation = patterns.find(({ pattern }) => pattern.test(line))?.operation
      if (operation === undefined) return
      answered.add(operation.call)
      if (operation.response === undefined || status === 204) return
      for (const mismatch of api.findMismatches(operation.response, body)) {
        mismatches.push(`${operation.call}: ${mismatch}`)
      }
    },
  }
}

function patternOf({ call }: ApiOperation): RegExp {
  return new RegExp(`^${call.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}

function countParameters({ call }: ApiOperation): number {
  return call.split('{').length
}
