import { Ajv, type Options } from 'ajv'
import ajvFormats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'

/**
 * Paths and queries are text, so numbers and booleans are read from it; a body is JSON and means what it
 * says: `7` is not a name. Properties that a schema does not know are let pass, as Neon does, so that
 * newer clients work.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<TSchema> {
  const text = createAjv({ coerceTypes: 'array', useDefaults: true })
  const json = createAjv({})
  return ({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? json : text).compile(schema)
    return (value: unknown) => {
      // No body at all reads as null, which the schemas of optional bodies allow.
      if (validate(value ?? null)) {
        if (isStorable(value)) return { value }
        return {
          error: new Error(
            `${httpPart ?? 'request'} must not contain NUL characters or halves of surrogate pairs`,
          ),
        }
      }
      return { error: new Error(describe(httpPart, validate.errors?.[0])) }
    }
  }
}

/** PostgreSQL's texts hold neither, in whatever column they end. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && isWellFormed(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item))
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

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
