INSERT INTO touched
SELECT DISTINCT {keys} FROM {history} WHERE {where}
