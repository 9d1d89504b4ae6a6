/** @file Tests. Sums over thousands of rows on webgpu. In software compiling takes long. */
import { describeSumsOverRows } from '../../../support/sumsOverRows.ts';

describeSumsOverRows('webgpu');
