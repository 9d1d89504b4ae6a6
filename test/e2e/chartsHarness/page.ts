/** @file Tests. Starts the page of charts. */
// First of all: schemas are compiled as soon as their modules are loaded.
import '../../../renderer/withoutEval.ts';
import { mount } from 'svelte';
import Page from './Page.svelte';

mount(Page, { target: document.getElementById('page')! });
