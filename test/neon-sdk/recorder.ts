import type { ApiOperation } from './openapi.ts'

/** Which of Neon's operations were answered with success, whoever called them. */
export interface Recorder {
  /** Calls as in the document. */
  readonly answered: ReadonlySet<string>
  readonly observe: (method: string, url: string, status: number) => void
}

export function createRecorder(operations: readonly ApiOperation[], baseUrl: string): Recorder {
  const answered = new Set<string>()
  // Those with fewer parameters first: `/branches/count` is a call of its own and no branch.
  const patterns = operations
    .map(({ call }) => ({ call, pattern: new RegExp(`^${call.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
    .toSorted((a, b) => a.call.split('{').length - b.call.split('{').length)
  return {
    answered,
    observe(method, url, status) {
      if (status < 200 || status > 299) return
      const [path = ''] = url.replace(baseUrl, '').split('?')
      const line = `${method.toUpperCase()} ${path}`
      const found = patterns.find(({ pattern }) => pattern.test(line))
      if (found !== undefined) answered.add(found.call)
    },
  }
}
