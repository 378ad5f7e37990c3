import { Type } from 'typebox'

import { Uuid } from '../ids.ts'
import { Operation } from '../operation.ts'
import { Cursor, CursorPagination, ProjectPath } from '../paths.ts'
import { route } from '../route.ts'

export const operationRoutes = {
  listProjectOperations: route('listProjectOperations', {
    summary: 'List operations, newest first',
    tag: 'Operation',
    path: ProjectPath,
    query: Type.Object({
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    }),
    status: 200,
    response: Type.Object({
      operations: Type.Array(Operation),
      pagination: CursorPagination,
    }),
  }),
  getProjectOperation: route('getProjectOperation', {
    summary: 'Get an operation',
    tag: 'Operation',
    path: Type.Object({ ...ProjectPath.properties, operation_id: Uuid }),
    status: 200,
    response: Type.Object({ operation: Operation }),
  }),
}
