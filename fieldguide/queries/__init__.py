"""From a corpus and knowledge to queries: groups of entities, topics, phrases, drawings, captions."""
