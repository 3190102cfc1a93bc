-- "C": pages are in the order of bytes, whatever language the database sorts by.
CREATE TABLE items (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    version BIGINT NOT NULL
);
