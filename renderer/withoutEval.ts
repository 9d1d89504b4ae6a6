/**
 * @file Runs in the page. Imported before everything else: the page's policy forbids code made from text, and zod would try
 * it (and have it reported as a violation) with the first schema that is used, which happens while modules are loaded.
 */
import { z } from 'zod';

z.config({ jitless: true });
