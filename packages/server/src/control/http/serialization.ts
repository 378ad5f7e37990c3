import fastJsonStringify from 'fast-json-stringify'

import { once } from '../../lib/once.ts'

type Serialize = (answer: unknown) => string

/** As Fastify's own, but each schema is compiled when it is first answered by: see `createValidatorCompiler`. */
export function createSerializerCompiler(): (route: { schema: unknown }) => Serialize {
  return ({ schema }) => {
    const compile = once((): Serialize => fastJsonStringify(schema as fastJsonStringify.Schema))
    return (answer) => compile()(answer)
  }
}
