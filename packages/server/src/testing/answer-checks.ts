import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { routes } from '@coppice/api'

import { type Answer, findByUrl, problemsOf, problemsOfValue } from './neon-document.ts'

/** Watches every answer of a server, and tells in the end which were not as Neon documents them. */
export interface AnswerChecks {
  /** Throws where an answer was not. */
  finish(): void
}

/** From now on, so before anything has been asked. */
export function checkAnswers(server: Server): AnswerChecks {
  const problems: string[] = []
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    const end = response.end.bind(response)
    // Fastify sends what it has serialised in one piece.
    response.end = ((chunk?: unknown, ...rest: unknown[]) => {
      if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) body = String(chunk)
      check({ request, response, body })
      return Reflect.apply(end, response, [chunk, ...rest])
    }) as typeof response.end
  })

  function check(sent: { request: IncomingMessage; response: ServerResponse; body: string }): void {
    const answer: Answer = {
      method: sent.request.method ?? '',
      url: sent.request.url ?? '',
      status: sent.response.statusCode,
      body: sent.body,
    }
    for (const problem of safely(answer)) {
      problems.push(`${answer.method} ${answer.url} → ${answer.status}: ${problem}`)
    }
  }

  return {
    finish: () => {
      if (problems.length === 0) return
      const some = [...new Set(problems)].slice(0, 20).join('\n')
      throw new Error(`answers that are not as Neon documents them:\n${some}`)
    },
  }
}

function safely(answer: Answer): string[] {
  try {
    return [...problemsOf(answer), ...problemsOfOwn(answer)]
  } catch (error) {
    return [`cannot be checked: ${String(error)}`]
  }
}

const ownRoutes = Object.values(routes).map((route) => ({
  ...route,
  path: route.url.replaceAll(/:(\w+)/g, '{$1}'),
}))

/** The same against our own contract, which has more routes and more fields. */
function problemsOfOwn(answer: Answer): string[] {
  if (answer.status >= 300 || answer.status === 204) return []
  const route = findByUrl(ownRoutes, answer.method, answer.url)
  if (route === undefined) return []
  // Lines are not sent in one piece.
  return 'lines' in route ? [] : problemsOfValue(route.response, JSON.parse(answer.body))
}
