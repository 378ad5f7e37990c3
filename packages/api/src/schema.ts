import { type Static, Type } from 'typebox'

const Names = Type.Array(Type.String())

/** The tables of a database, as `BranchSchemaJSON` of Neon's API. */
export const DatabaseTables = Type.Object({
  tables: Type.Array(
    Type.Object({
      schema: Type.String(),
      name: Type.String(),
      columns: Type.Array(
        Type.Object({
          name: Type.String(),
          type: Type.String(),
          nullable: Type.Optional(Type.Boolean()),
          generated: Type.Optional(Type.Boolean()),
        }),
      ),
      constraints: Type.Optional(
        Type.Array(
          Type.Object({
            /** `primary_key`, `unique` or `foreign_key`. */
            type: Type.String(),
            columns: Names,
            name: Type.Optional(Type.String()),
            referenced_table: Type.Optional(
              Type.Object({ schema: Type.String(), table: Type.String(), columns: Names }),
            ),
          }),
        ),
      ),
    }),
  ),
})
export type DatabaseTables = Static<typeof DatabaseTables>
