import { type Static, Type } from 'typebox'

/** A ready connection string with its parts, as an answer that made the password carries it. */
export const ConnectionDetails = Type.Object({
  connection_uri: Type.String(),
  connection_parameters: Type.Object({
    database: Type.String(),
    password: Type.String(),
    role: Type.String(),
    host: Type.String(),
    pooler_host: Type.String(),
  }),
})
export type ConnectionDetails = Static<typeof ConnectionDetails>
