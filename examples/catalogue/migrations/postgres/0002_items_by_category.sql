CREATE INDEX items_by_category ON items (category, id);
