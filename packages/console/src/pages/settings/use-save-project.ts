import type { ProjectUpdate } from '@coppice/api'
import type { UseMutationResult } from '@tanstack/react-query'

import { api } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'

/** Changes a project; the form shows why where that is refused. */
export function useSaveProject(
  project_id: string,
): UseMutationResult<unknown, Error, ProjectUpdate['project']> {
  return useAction({
    run: async (project: ProjectUpdate['project']) =>
      api.updateProject({ path: { project_id }, body: { project } }),
    done: () => 'Saved',
    quiet: true,
  })
}
