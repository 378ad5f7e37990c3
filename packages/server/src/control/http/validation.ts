import { Ajv, type Options } from 'ajv'
import ajvFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'

import { once } from '../../lib/once.ts'

/**
 * Paths and queries are text, so numbers and booleans are read from it; a body is JSON and means what it
 * says: `7` is not a name. Properties that a schema does not know are let pass, as Neon does, so that
 * newer clients work. Each schema is compiled when it is first asked for: all of them take a second, which
 * a start need not wait for.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<TSchema> {
  const text = createAjv({ coerceTypes: 'array', useDefaults: true })
  const json = createAjv({})
  return ({ schema, httpPart }) => {
    const compile = once(() => (httpPart === 'body' ? json : text).compile(schema))
    return (value: unknown) => {
      const validate = compile()
      // No body at all reads as null, which the schemas of optional bodies allow.
      if (validate(value ?? null)) {
        const problem = problemOfValue(value)
        if (problem === undefined) return { value }
        return { error: new Error(`${httpPart ?? 'request'} must not ${problem}`) }
      }
      return { error: new Error(describe(httpPart, validate.errors?.[0])) }
    }
  }
}

/** Deeper than anything that is asked for; a recursion over it must not end the stack. */
const maxDepth = 32

/** What no schema says: PostgreSQL's texts hold neither, in whatever column they end. */
function problemOfValue(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') {
    const isStorable = !value.includes('\0') && !/\p{Surrogate}/u.test(value)
    return isStorable ? undefined : 'contain NUL characters or halves of surrogate pairs'
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === maxDepth) return `be nested more than ${maxDepth} levels deep`
  for (const [key, item] of Object.entries(value)) {
    const problem = problemOfValue(key) ?? problemOfValue(item, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function createAjv(options: Options): Ajv {
  const ajv = new Ajv({ strict: false, ...options })
  ajvFormats.default(ajv)
  return ajv
}

interface Problem {
  instancePath: string
  message?: string
}

/** `body/branch/name must be string` reads as: which part, where in it, and what it must be. */
function describe(httpPart: string | undefined, problem: Problem | undefined): string {
  const where = `${httpPart ?? 'request'}${problem?.instancePath ?? ''}`
  return `${where} ${problem?.message ?? 'is not valid'}`
}
