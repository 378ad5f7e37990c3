import { AnonymizedStatus, BranchAnonymizedCreate, MaskingRules } from '../masking.ts'
import { BranchPath, ProjectPath } from '../paths.ts'
import { route } from '../route.ts'
import { CreatedBranchAnswer } from './branches.ts'

const tag = 'Branch'

/** Branches that hold masked values of another, and never the values themselves. */
export const maskingRoutes = {
  createProjectBranchAnonymized: route('createProjectBranchAnonymized', {
    summary: 'Create a branch with masked data of another',
    tag,
    path: ProjectPath,
    body: BranchAnonymizedCreate,
    status: 201,
    response: CreatedBranchAnswer,
  }),
  getMaskingRules: route('getMaskingRules', {
    summary: 'Get the masking rules of an anonymized branch',
    tag,
    path: BranchPath,
    status: 200,
    response: MaskingRules,
  }),
  updateMaskingRules: route('updateMaskingRules', {
    summary:
      'Replace the masking rules of an anonymized branch; they hold from its next anonymization on',
    tag,
    path: BranchPath,
    body: MaskingRules,
    status: 200,
    response: MaskingRules,
  }),
  getAnonymizedBranchStatus: route('getAnonymizedBranchStatus', {
    summary: 'Get how far the anonymization of a branch is',
    tag,
    path: BranchPath,
    status: 200,
    response: AnonymizedStatus,
  }),
  startAnonymization: route('startAnonymization', {
    summary: 'Fill an anonymized branch anew, with what its source holds now, masked',
    tag,
    path: BranchPath,
    status: 200,
    response: AnonymizedStatus,
  }),
}
