"""The options of the verbs that use what a search found: embed, evaluate, finetune, predict, report, export."""
